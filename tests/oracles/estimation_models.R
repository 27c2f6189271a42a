# Expected values of tests/estimation/test_models_golden.py, by R's survey package, on estimation_sample.csv.
#   Rscript tests/oracles/estimation_models.R tests/golden
# writes estimation_models.json.
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file.path(out, "estimation_sample.csv"))
d$sex <- factor(d$sex); d$kind <- factor(d$kind); d$old <- as.numeric(d$age >= 30)
d$many <- floor(d$x)
two <- svydesign(~psu + hh, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop + n_hh_pop, data = d, nest = TRUE)
one <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = d, nest = TRUE)
tight <- glm.control(epsilon = 1e-14, maxit = 100)
model <- function(f, family, design = two) {
  m <- svyglm(f, design, family = family, control = tight)
  list(names = names(coef(m)), estimate = unname(coef(m)), vcov = unname(vcov(m)), df = m$df.residual,
       dispersion = as.numeric(summary(m)$dispersion))
}
test <- function(m, terms) {
  w <- regTermTest(m, terms); ww <- regTermTest(m, terms, method = "WorkingWald")
  lr <- regTermTest(m, terms, method = "LRT")
  list(wald = as.numeric(w$Ftest), wald_p = as.numeric(w$p), working = as.numeric(ww$chisq), working_p = as.numeric(ww$p),
       lrt = as.numeric(lr$chisq), lrt_p = as.numeric(lr$p), lambda = as.numeric(lr$lambda))
}
m <- svyglm(met ~ age + sex + kind, two, family = quasibinomial(), control = tight)
m0 <- svyglm(met ~ age + sex, two, family = quasibinomial(), control = tight)
chi <- function(stat, design = two, v = ~kind + sex) {
  s <- svychisq(v, design, statistic = stat)
  list(statistic = as.numeric(s$statistic), parameter = as.numeric(s$parameter), p = as.numeric(s$p.value))
}
ht <- function(t) list(statistic = as.numeric(t$statistic), df = as.numeric(t$parameter), p = as.numeric(t$p.value),
                       estimate = as.numeric(t$estimate))
rank <- function(v, test) ht(svyranktest(v, two, test = test))
margins <- svypredmeans(m0, ~kind)
# two rounds on the same PSUs: the second half of the stacked file
set.seed(5)
later <- d; later$y <- later$y + 3 + round(rnorm(nrow(d), 0, 5), 3); later$w <- later$w * 1.1
write.csv(later[c("stratum", "psu", "w", "n_psu_pop", "sex", "y", "x")],
          file.path(out, "estimation_round_2.csv"), row.names = FALSE, na = "")
later <- read.csv(file.path(out, "estimation_round_2.csv"))
keep <- c("stratum", "psu", "w", "n_psu_pop", "sex", "y", "x")
both <- rbind(cbind(d[keep], round = 1), cbind(later[keep], round = 2))
stacked <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = both, nest = TRUE)
diffs <- function(f, s) {
  b <- svyby(f, ~round, subset(stacked, !is.na(y)), s, covmat = TRUE)
  k <- svycontrast(b, c(`1` = -1, `2` = 1))
  list(estimate = as.numeric(coef(k)), se = as.numeric(SE(k)))
}
result <- list(
  about = list(r = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())),
  gaussian = model(y ~ age + sex, gaussian()), gaussian_one_stage = model(y ~ age + sex, gaussian(), one),
  binomial = model(met ~ age + sex, quasibinomial()), probit = model(met ~ age + sex, quasibinomial("probit")),
  cloglog = model(met ~ age + sex, quasibinomial("cloglog")),
  poisson = model(many ~ age * sex, quasipoisson()), gamma = model(x ~ age + kind, Gamma()),
  gamma_log = model(x ~ age + kind, Gamma("log")),
  term_test = test(m, ~kind), margins = list(names = names(coef(margins)), estimate = as.numeric(coef(margins)), se = as.numeric(SE(margins))),
  chisq = sapply(c("F", "Chisq", "Wald", "adjWald"), chi, simplify = FALSE), chisq_one_stage = chi("F", one),
  tiny = chi("F", two, ~old + sex),
  ttest = ht(svyttest(y ~ sex, two)), wilcoxon = rank(y ~ sex, "wilcoxon"), waerden = rank(y ~ sex, "vanderWaerden"),
  median = rank(y ~ sex, "median"), kruskal = rank(y ~ kind, "KruskalWallis"),
  change_mean = diffs(~y, svymean), change_total = diffs(~y, svytotal))
write(toJSON(result, digits = NA, auto_unbox = TRUE, pretty = TRUE), file.path(out, "estimation_models.json"))

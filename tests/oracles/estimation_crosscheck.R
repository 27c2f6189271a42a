# Expected values of tests/estimation/test_crosscheck_golden.py, by R's survey package, on estimation_sample.csv.
#   Rscript tests/oracles/estimation_crosscheck.R tests/golden
# writes estimation_crosscheck.json. Asked here in a way that gives the published definition where the plain call
# of R departs from it: score limits are the values at which svymean rejects p (svyquantile goes on to read an
# unweighted share as a weighted quantile); domains of a design with lonely PSUs are zeros outside the domain
# (subset() drops whole strata before the averaging).
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file.path(out, "estimation_sample.csv"))
d$inside <- as.numeric(d$region == "south" & d$age < 40); d$xin <- d$x * d$inside; d$id <- 100 * d$stratum + d$psu
d$many <- floor(d$x); d$n_pop <- ave(d$w, d$stratum, FUN = sum) * 1.05
nested <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
fpc <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = d, nest = TRUE)
nostrata <- svydesign(~id, weights = ~w, data = d)
element <- svydesign(~1, strata = ~stratum, weights = ~w, fpc = ~n_pop, data = d)
designs <- list(nested = nested, fpc = fpc, nostrata = nostrata, element = element)
# R stops on the deviance, which is flat at the maximum: a relative change of 1e-14 leaves coefficients 1e-7 off
tight <- glm.control(epsilon = 1e-30, maxit = 60)
plain <- function(m) list(estimate = as.numeric(coef(m)), se = as.numeric(SE(m)))
model <- function(f, family, s) {
  m <- suppressWarnings(svyglm(f, s, family = family, control = tight))
  list(names = names(coef(m)), estimate = unname(coef(m)), se = unname(sqrt(diag(vcov(m)))), df = m$df.residual)
}
score <- function(s, p, t = qt(0.975, degf(s))) {
  v <- sort(unique(d$x))
  z <- sapply(v, function(q) { m <- svymean(as.numeric(d$x > q) - (1 - p), s); coef(m) / SE(m) })
  c(v[z <= t][1], v[z <= -t][1])
}
averaged <- function(option) {
  options(survey.lonely.psu = option)
  s <- svydesign(~psu, strata = ~lonely, weights = ~w, data = d, nest = TRUE)
  v <- list(total = plain(svytotal(~xin, s)), mean = plain(svyratio(~xin, ~inside, s)))
  options(survey.lonely.psu = "fail")
  v
}
calibrated <- function(s) {
  pop <- sum(d$w) * 1.1
  k <- calibrate(s, ~sex + x, c(`(Intercept)` = pop, sexM = 0.55 * pop, x = sum(d$w * d$x) * 1.13))
  list(total = plain(svytotal(~many, k)), mean = plain(svymean(~age, k)), domain = plain(svytotal(~xin, k)))
}
ask <- function(s) list(
  domain = plain(svytotal(~x, subset(s, region == "south" & age < 40))), mean = plain(svymean(~y, s, na.rm = TRUE)),
  score = lapply(c(0.25, 0.5, 0.75), function(p) score(s, p)),
  gaussian = model(y ~ age + sex, gaussian(), s), poisson = model(many ~ age + sex, quasipoisson(), s),
  gamma = model(x ~ age * sex, Gamma("log"), s), calibrated = calibrated(s))
kw <- svyranktest(x ~ kind, fpc, test = "KruskalWallis")
result <- list(
  about = list(r = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())),
  designs = lapply(designs, ask), average = averaged("average"), certainty = averaged("certainty"),
  kruskal = list(groups_less_one = as.numeric(kw$statistic), chi_square = as.numeric(kw$parameter), p = as.numeric(kw$p.value)))
write(toJSON(result, digits = NA, auto_unbox = TRUE, pretty = TRUE), file.path(out, "estimation_crosscheck.json"))

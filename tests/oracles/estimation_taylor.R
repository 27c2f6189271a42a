# Expected values of tests/estimation/test_golden.py, by R's survey package.
#   Rscript tests/oracles/estimation_taylor.R tests/golden
# writes estimation_sample.csv (synthetic, seeded) and estimation_taylor.json.
# Not asked of this version (4.1.1), because survey 4.5 computes it otherwise: totals under "adjust".
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
set.seed(20130604)
rows <- list()
for (h in 1:6) {
  n_psu <- c(2, 3, 4, 5, 3, 2)[h]
  for (u in 1:n_psu) {
    n_hh <- sample(3:6, 1); big <- rnorm(1)
    for (k in 1:n_hh) {
      m <- sample(1:4, 1)
      rows[[length(rows) + 1]] <- data.frame(
        stratum = 100 + h, psu = u, hh = k, n_psu_pop = n_psu * 4 + h, n_hh_pop = n_hh * 3 + u,
        w = round((n_psu * 4 + h) / n_psu * (n_hh * 3 + u) / n_hh, 6),
        region = ifelse(h <= 3, "north", "south"), sex = sample(c("F", "M"), m, TRUE),
        age = sample(5:70, m, TRUE), y = round(50 + 10 * big + rnorm(m, 0, 15), 3),
        x = round(runif(m, 1, 9), 3), met = rbinom(m, 1, 0.25), kind = sample(c("a", "b", "c"), m, TRUE))
    }
  }
}
d <- do.call(rbind, rows)
d$y[sample(nrow(d), 12)] <- NA
d$met[sample(nrow(d), 9)] <- NA
d$f_psu <- round(ave(d$psu, d$stratum, FUN = function(v) length(unique(v))) / d$n_psu_pop, 10)
d$f_hh <- round(ave(d$hh, d$stratum, d$psu, FUN = function(v) length(unique(v))) / d$n_hh_pop, 10)
d$lonely <- ifelse(d$stratum == 106 & d$psu == 2, 107, ifelse(d$stratum == 101 & d$psu == 1, 108, d$stratum))
write.csv(d, file.path(out, "estimation_sample.csv"), row.names = FALSE, na = "")
d <- read.csv(file.path(out, "estimation_sample.csv"))

wr <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
one <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = d, nest = TRUE)
two <- svydesign(~psu + hh, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop + n_hh_pop, data = d, nest = TRUE)
twof <- svydesign(~psu + hh, strata = ~stratum, weights = ~w, fpc = ~f_psu + f_hh, data = d, nest = TRUE)
alone <- svydesign(~psu, strata = ~lonely, weights = ~w, data = d, nest = TRUE)
element <- svydesign(~1, strata = ~stratum, weights = ~w, data = d)

plain <- function(m) list(estimate = as.numeric(coef(m)), vcov = unname(as.matrix(vcov(m))))
both <- function(m) c(plain(m), list(deff = as.numeric(deff(m))))
by <- function(f, v, d, s, ...) {
  m <- svyby(f, v, d, s, na.rm = TRUE, covmat = TRUE, ...)
  c(plain(m), list(names = names(coef(m))))
}
ci <- function(d, method) {
  p <- svyciprop(~met, subset(d, !is.na(met)), method = method, df = degf(subset(d, !is.na(met))))
  list(estimate = as.numeric(p), ci = as.numeric(attr(p, "ci")), se = sqrt(as.numeric(attr(p, "var"))))
}
lonely <- function(option, f, s) {
  options(survey.lonely.psu = option)
  m <- plain(s(f, alone, na.rm = TRUE))
  options(survey.lonely.psu = "fail")
  m
}
dlonely <- function(option) {
  options(survey.lonely.psu = option, survey.adjust.domain.lonely = TRUE)
  m <- suppressWarnings(plain(svymean(~x, subset(alone, age > 55 & region == "south"))))
  options(survey.lonely.psu = "fail", survey.adjust.domain.lonely = FALSE)
  m
}
result <- list(
  produced_with = list(R = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())),
  mean_wr = both(svymean(~y, wr, na.rm = TRUE, deff = "replace")),
  mean_wor = both(svymean(~y, one, na.rm = TRUE, deff = TRUE)),
  mean_two_stage = plain(svymean(~y, two, na.rm = TRUE)),
  mean_two_stage_fractions = plain(svymean(~y, twof, na.rm = TRUE)),
  total_two_stage_by = by(~x, ~region + sex, two, svytotal),
  mean_by = by(~x, ~sex, one, svymean),
  ratio_by = by(~y, ~region, subset(one, !is.na(y)), svyratio, denominator = ~x),
  two_means = plain(svymean(~y + x, one, na.rm = TRUE)),
  levels = both(svymean(~factor(kind), one, deff = "replace")),
  levels_total = plain(svytotal(~factor(kind), two)),
  domain = plain(svytotal(~x, subset(two, age < 15 & sex == "F"))),
  element = both(svytotal(~x, element, deff = "replace")),
  logit = ci(one, "logit"), beta = ci(one, "beta"), asin = ci(one, "asin"), wald = ci(one, "mean"),
  remove_total = lonely("remove", ~x, svytotal), certainty_total = lonely("certainty", ~x, svytotal),
  average_total = lonely("average", ~x, svytotal), adjust_mean = lonely("adjust", ~x, svymean),
  domain_adjust = dlonely("adjust"), domain_average = dlonely("average"),
  df = list(wr = degf(wr), alone = degf(alone), element = degf(element))
)
write_json(result, file.path(out, "estimation_taylor.json"), digits = 15, auto_unbox = TRUE, pretty = TRUE)

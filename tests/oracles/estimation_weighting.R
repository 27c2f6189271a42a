# Expected values of tests/estimation/test_weighting_golden.py, by R's survey package.
#   Rscript tests/oracles/estimation_weighting.R tests/golden
# reads estimation_sample.csv (made by estimation_taylor.R) and writes estimation_weighting.json.
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file.path(out, "estimation_sample.csv"))
one <- svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = d, nest = TRUE)
N <- sum(d$w)
sex <- data.frame(sex = c("F", "M"), Freq = c(0.55, 0.45) * N)
kind <- data.frame(kind = c("a", "b", "c"), Freq = c(0.3, 0.4, 0.3) * N)
tot <- c(`(Intercept)` = N, sexM = 0.45 * N, x = 5.2 * N)
plain <- function(m) list(estimate = as.numeric(coef(m)), vcov = unname(as.matrix(vcov(m))))
both <- function(s) list(
  weights = as.numeric(weights(s)), total = plain(svytotal(~x, s)), mean = plain(svymean(~y, s, na.rm = TRUE)),
  by = {b <- svyby(~x, ~region, s, svytotal); list(estimate = as.numeric(coef(b)), se = as.numeric(SE(b)))}, ratio = plain(svyratio(~x, ~age, s)))
post <- postStratify(one, ~sex, sex)
linear <- calibrate(one, ~sex + x, tot)
q <- function(s, type, rule = "math", p = c(0.1, 0.5, 0.9)) {
  m <- svyquantile(~x, s, p, interval.type = type, qrule = rule)[[1]]
  list(estimate = unname(m[, 1]), low = unname(m[, 2]), high = unname(m[, 3]), se = unname(m[, 4]))
}
known <- subset(one, !is.na(y))
result <- list(
  produced_with = list(R = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())),
  N = N,
  poststratified = both(post),
  raked = both(rake(one, list(~sex, ~kind), list(sex, kind), control = list(maxit = 1000, epsilon = 1e-10))),
  linear = both(linear),
  raking = both(calibrate(one, ~sex + x, tot, calfun = "raking", epsilon = 1e-12, maxit = 200)),
  logit = both(calibrate(one, ~sex + x, tot, calfun = "logit", bounds = c(0.3, 3), epsilon = 1e-12, maxit = 200)),
  # two steps, one after the other
  chained = both(calibrate(post, ~x, c(`(Intercept)` = N, x = 5.2 * N))),
  trimmed = both(trimWeights(post, lower = 10, upper = 45, strict = TRUE)),
  quantiles = lapply(setNames(nm = c("mean", "beta", "xlogit", "asin")), function(type) q(one, type)),
  rules = lapply(setNames(nm = c("school", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")),
                 function(rule) q(one, "mean", rule)),
  quantiles_calibrated = q(linear, "mean"),
  var = plain(svyvar(~x, one)),
  covariance = {v <- svyvar(~x + y, known); list(estimate = as.numeric(v[1, 2]), se = sqrt(attr(v, "var")[2, 2]))}
)
write_json(result, file.path(out, "estimation_weighting.json"), digits = 15, auto_unbox = TRUE, pretty = FALSE)

# Expected values of tests/estimation/test_replicates_golden.py and test_pps.py, by R's survey package.
#   Rscript tests/oracles/estimation_replicates.R tests/golden
# reads estimation_sample.csv; writes estimation_replicate_weights.csv, estimation_pps_sample.csv,
# estimation_pps_joint.csv and estimation_replicates.json.
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file.path(out, "estimation_sample.csv"))
d$unit <- d$stratum * 100 + d$psu
wr <- svydesign(~unit, strata = ~stratum, weights = ~w, data = d)
one <- svydesign(~unit, strata = ~stratum, weights = ~w, fpc = ~n_psu_pop, data = d)
flat <- svydesign(~unit, weights = ~w, data = d)
alone <- svydesign(~unit, strata = ~lonely, weights = ~w, data = d)
plain <- function(m) list(estimate = as.numeric(coef(m)), vcov = unname(as.matrix(vcov(m))))
by <- function(f, v, d, s, ...) plain(svyby(f, v, d, s, na.rm = TRUE, covmat = TRUE, ...))
jkn <- as.svrepdesign(wr, type = "JKn", mse = TRUE)
jkn_fpc <- as.svrepdesign(one, type = "JKn", mse = TRUE)
jkn_mean <- as.svrepdesign(one, type = "JKn", mse = FALSE)
jk1 <- as.svrepdesign(flat, type = "JK1", mse = TRUE)
options(survey.lonely.psu = "adjust"); jkn_adjust <- as.svrepdesign(alone, type = "JKn", mse = TRUE)
options(survey.lonely.psu = "certainty"); jkn_certainty <- as.svrepdesign(alone, type = "JKn", mse = TRUE)
options(survey.lonely.psu = "fail")

set.seed(20130604)
boot <- as.svrepdesign(wr, type = "subbootstrap", replicates = 24)
rw <- weights(boot, "analysis"); colnames(rw) <- paste0("rw", 1:24)
write.csv(cbind(d[, c("sex", "region", "y", "x", "met", "w")], round(rw, 8)),
          file.path(out, "estimation_replicate_weights.csv"), row.names = FALSE, na = "")
g <- read.csv(file.path(out, "estimation_replicate_weights.csv"))
given <- function(...) svrepdesign(data = g, weights = ~w, repweights = "^rw[0-9]+$", ...)
about <- given(type = "bootstrap", scale = 1 / 24, rscales = rep(1, 24), mse = TRUE)
centred <- given(type = "bootstrap", scale = 1 / 23, rscales = rep(1, 24), mse = FALSE)
other <- given(type = "other", scale = 0.5, rscales = (1:24) / 100, mse = FALSE)
known <- subset(about, !is.na(met))
ci <- svyciprop(~met, known, method = "logit", df = degf(known))
fg <- g; for (r in 1:24) fg[[paste0("rw", r)]] <- g[[paste0("rw", r)]] / g$w
loose <- svrepdesign(data = fg, weights = ~w, repweights = "^rw[0-9]+$", type = "bootstrap", scale = 1 / 24,
                     rscales = rep(1, 24), mse = TRUE, combined.weights = FALSE)

set.seed(8)
n <- 14
p <- data.frame(unit = 1:n, h = rep(1:2, c(8, 6)), size = round(runif(n, 20, 200)))
p$p <- round(p$size / 400, 6)
p$y <- round(p$size * 3 + rnorm(n, 0, 40), 3); p$x <- round(p$size + rnorm(n, 0, 10), 3)
p$g <- rep(c("u", "v"), 7)
joint <- outer(p$p, p$p) * (1 - outer(1 - p$p, 1 - p$p) / (n - 1)); diag(joint) <- p$p
write.csv(p, file.path(out, "estimation_pps_sample.csv"), row.names = FALSE)
write.table(format(joint, digits = 15), file.path(out, "estimation_pps_joint.csv"), sep = ",", row.names = FALSE,
            col.names = FALSE, quote = FALSE)
joint <- as.matrix(read.csv(file.path(out, "estimation_pps_joint.csv"), header = FALSE)); dimnames(joint) <- NULL
pps <- function(method, variance = "HT")
  svydesign(~1, strata = ~h, fpc = ~p, data = p, pps = method, variance = variance)
three <- function(d) list(total = plain(svytotal(~y + x, d)), ratio = plain(svyratio(~y, ~x, d)),
                          domain = plain(svytotal(~y, subset(d, g == "u"))))
matrix_design <- function(variance) svydesign(~1, fpc = ~p, data = p, pps = ppsmat(joint, tolerance = 0), variance = variance)

set.seed(17)
t <- data.frame(h = rep(1:2, c(24, 36)), psu = rep(1:20, each = 3), N = rep(c(30, 40), c(24, 36)), class = rep(c("a", "b", "b", "a", "c"), 12))
t$w <- round(t$N / rep(c(8, 12), c(24, 36)) * 3, 6); t$x <- round(runif(60, 1, 5), 3)
t$second <- FALSE
for (cl in c("a", "b", "c")) t$second[sample(which(t$class == cl), c(a = 10, b = 12, c = 5)[cl])] <- TRUE
t$y <- ifelse(t$second, round(rnorm(60, 20 + 3 * t$h, 4), 3), NA); t$sex <- rep(c("F", "M"), 30)
# one first-phase stratum of elements: with more, "full" gives an asymmetric matrix with negative variances
t$P <- 240
write.csv(t, file.path(out, "estimation_two_phase_sample.csv"), row.names = FALSE, na = "")
elements <- twophase(id = list(~1, ~1), strata = list(NULL, ~class), fpc = list(~P, NULL), subset = ~second, data = t, method = "full")
phases <- function(d) list(total = plain(svytotal(~y + x, d)), mean = plain(svymean(~y, d)), ratio = plain(svyratio(~y, ~x, d)),
                           f = plain(svymean(~y, subset(d, sex == "F"))), df = degf(d))

result <- list(
  two_phase = phases(elements),
  produced_with = list(R = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())),
  jkn = list(mean = plain(svymean(~y, jkn, na.rm = TRUE)), ratio = plain(svyratio(~y, ~x, jkn, na.rm = TRUE)),
             total = by(~x, ~sex, jkn, svytotal), df = degf(jkn), df_f = degf(subset(jkn, sex == "F"))),
  jkn_fpc = plain(svymean(~y + x, jkn_fpc, na.rm = TRUE)),
  jkn_mean = plain(svytotal(~x, jkn_mean)),
  jk1 = list(mean = plain(svymean(~y, jk1, na.rm = TRUE)), df = degf(jk1)),
  jkn_adjust = plain(svymean(~x, jkn_adjust)), jkn_certainty = plain(svymean(~x, jkn_certainty)),
  about = list(mean = by(~y, ~sex, about, svymean), total = plain(svytotal(~x, about)), df = degf(about),
               levels = plain(svymean(~factor(region), about)),
               df_f = degf(subset(about, sex == "F")), logit = as.numeric(attr(ci, "ci")), df_known = degf(known)),
  centred = plain(svymean(~y, centred, na.rm = TRUE)), other = plain(svytotal(~x, other)),
  loose = plain(svyratio(~y, ~x, loose, na.rm = TRUE)),
  brewer = three(pps("brewer")), overton = three(pps("overton")), overton_yg = three(pps("overton", "YG")),
  hr1 = three(pps(HR())), hr = three(svydesign(~1, fpc = ~p, data = p, pps = HR(0.3), variance = "YG")),
  joint = three(matrix_design("HT")), joint_yg = three(matrix_design("YG"))
)
write_json(result, file.path(out, "estimation_replicates.json"), digits = 15, auto_unbox = TRUE, pretty = TRUE)

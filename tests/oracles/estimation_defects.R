# What R's survey and mitools give where they are wrong, beside tests/estimation/test_better_than_r.py.
#   Rscript tests/oracles/estimation_defects.R tests/golden
# writes estimation_defects.json. On estimation_sample.csv, shipped with the tests.
suppressMessages({library(survey); library(jsonlite)})
out <- commandArgs(trailingOnly = TRUE)[1]
d <- read.csv(file.path(out, "estimation_sample.csv"))
d$inside <- as.numeric(d$region == "south" & d$age < 40); d$never <- 0; d$xin <- d$x * d$inside
d$one_psu <- ifelse(d$stratum == min(d$stratum) & d$psu == min(d$psu[d$stratum == min(d$stratum)]), 0, d$stratum)
quiet <- function(e) suppressWarnings(tryCatch(e, error = function(err) paste("error:", conditionMessage(err))))
num <- function(e) { v <- quiet(e); if (is.character(v)) v else lapply(as.numeric(v), function(x) if (is.nan(x)) "NaN" else x) }
plain <- function(m) list(estimate = as.numeric(coef(m)), se = as.numeric(SE(m)))
s <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
jk <- as.svrepdesign(s, type = "JKn")
r <- list(about = list(r = R.version.string, survey = as.character(packageVersion("survey")), date = as.character(Sys.Date())))
# 1 an empty domain is 0 with standard error 0
r$empty_domain <- plain(svymean(~x, subset(s, age > 1000)))
r$empty_domain_replicates <- num(coef(svymean(~x, subset(jk, age > 1000))))
# 2 no event: no interval, or an absurd one
r$no_event <- lapply(c(mean = "mean", beta = "beta", xlogit = "xlogit", asin = "asin", logit = "logit", likelihood = "likelihood"),
                     function(m) num(attr(svyciprop(~I(never == 1), s, method = m), "ci")))
# 4 lonely PSU, adjust: the same domain by subset and by zeros
options(survey.lonely.psu = "average")
l <- svydesign(~psu, strata = ~one_psu, weights = ~w, data = d, nest = TRUE)
r$lonely_subset <- plain(svytotal(~x, subset(l, stratum <= sort(unique(d$stratum))[2])))
r$lonely_zeros <- plain(svytotal(~x, update(l, x = x * (stratum <= sort(unique(d$stratum))[2]))))
options(survey.lonely.psu = "fail")
# 5 a negative weight is taken
n <- d; n$w[1] <- -5
r$negative_weight <- plain(svymean(~x, svydesign(~psu, strata = ~stratum, weights = ~w, data = n, nest = TRUE)))
# 6 weights normalised to n: a design effect against a population of n
m <- d; m$w <- m$w / mean(m$w)
effect <- function(data, how) { e <- svydesign(~psu, strata = ~stratum, weights = ~w, data = data, nest = TRUE); as.numeric(deff(svymean(~x, e, deff = how))) }
r$deff_wor <- list(weights = effect(d, TRUE), normalised = effect(m, TRUE), replace = effect(m, "replace"))
# 7 Korn-Graubard in a domain of a post-stratified design: n of the whole sample
pop <- data.frame(sex = sort(unique(d$sex)), Freq = as.numeric(tapply(d$w, d$sex, sum)) * c(1.02, 0.97))
ps <- postStratify(s, ~sex, pop)
dom <- subset(ps, region == "south" & age < 25)
r$beta_domain <- list(rows_counted = nrow(dom), rows = sum(d$region == "south" & d$age < 25), ci = num(attr(svyciprop(~y2, update(dom, y2 = as.numeric(x > median(d$x))), method = "beta", df = degf(subset(s, region == "south" & age < 25))), "ci")), limit = median(d$x))
# 8 replicates: the interval of a quantile is always the Wald one, whatever is asked for
q <- lapply(c(mean = "mean", beta = "beta", xlogit = "xlogit"), function(i) num(confint(svyquantile(~x, jk, 0.1, interval.type = i))))
r$quantile_replicates <- q
# 9 degrees of freedom of recalibrated replicates, in a domain and in all
pj <- postStratify(jk, ~sex, pop)
r$df_recalibrated <- list(before = degf(jk), all = degf(pj), domain = degf(subset(pj, age < 60)))
# 10 Pearson's statistic counts rows that lack one of the variables
k <- d; k$gap <- ifelse(seq_len(nrow(k)) %% 5 == 0, NA, k$kind)
g <- svydesign(~psu, strata = ~stratum, weights = ~w, data = k, nest = TRUE)
r$pearson_missing <- list(all = as.numeric(svychisq(~gap + sex, g, statistic = "Chisq")$statistic), complete = as.numeric(svychisq(~gap + sex, subset(g, !is.na(gap)), statistic = "Chisq")$statistic))
write(toJSON(r, digits = NA, auto_unbox = TRUE, pretty = TRUE), file.path(out, "estimation_defects.json"))

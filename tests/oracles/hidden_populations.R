# Golden values of survey-weighted hidden-population estimators: R survey on a small made-up sample.
#   Rscript tests/oracles/hidden_populations.R tests/golden
# Writes hidden_populations_sample.csv, hidden_populations_kin.csv and hidden_populations.json.
suppressMessages(library(survey))
out <- commandArgs(trailingOnly = TRUE)[1]
set.seed(20)
n <- 96
d <- data.frame(id = 1:n, stratum = rep(c("a", "b", "c"), each = 32), psu = rep(1:24, each = 4),
                w = round(runif(n, 50, 150), 1), sex = rep(c("F", "M"), n / 2))
deg <- rgamma(n, 2, 0.1)
d$k1 <- rpois(n, deg * 0.10); d$k2 <- rpois(n, deg * 0.05); d$k3 <- rpois(n, deg * 0.02)
d$hid <- rpois(n, deg * 0.01 * (1 + d$psu %% 3))
d$treat <- rbinom(n, 1, 0.5); trait <- rbinom(n, 1, 0.25)
d$list_a <- rbinom(n, 3, 0.45) + d$treat * trait
d$list_b <- rbinom(n, 4, 0.40) + (1 - d$treat) * trait
d$direct <- trait * rbinom(n, 1, 0.5)
d$same <- as.integer(trait == rbinom(n, 1, 0.2))
kin <- do.call(rbind, lapply(1:n, function(i) {
  m <- 1 + rpois(1, 1.5)
  data.frame(id = i, relation = c("self", rep("sibling", m - 1)), victim = rbinom(m, 1, 0.15),
             s = m + c(0, rpois(m - 1, 0.3)))
}))
kin$months <- ifelse(kin$victim == 1, round(runif(nrow(kin), 1, 24), 1), NA)
write.csv(d, file.path(out, "hidden_populations_sample.csv"), row.names = FALSE)
write.csv(kin, file.path(out, "hidden_populations_kin.csv"), row.names = FALSE, na = "")

sums <- function(v) as.numeric(tapply(v, factor(kin$id, levels = 1:n), sum))
N <- 1e5; sizes <- c(k1 = 9000, k2 = 5200, k3 = 2100)
d$deg <- N * (d$k1 + d$k2 + d$k3) / sum(sizes)
d$z <- sums(kin$victim / kin$s); d$x <- sums(1 / kin$s)
d$zs <- sums(ifelse(kin$victim == 1, kin$months / 60, 0) / kin$s)
d$p <- ifelse(d$deg > 0, d$hid / d$deg, NA)
des <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d)
pair <- function(e) list(as.numeric(coef(e)), as.numeric(SE(e)))
size <- svyratio(~hid, ~deg, des); by <- svyby(~hid, ~sex, denominator = ~deg, des, svyratio)
mor <- svymean(~p, subset(des, deg > 0))
m <- svyby(~list_a, ~treat, des, svymean, covmat = TRUE)
dim <- svycontrast(m, c("0" = -1, "1" = 1))
same <- svymean(~same, des)
num <- function(v) paste0(format(v, digits = 15), collapse = ",")
line <- function(name, e) sprintf('"%s": {"estimate": [%s], "se": [%s]}', name, num(e[[1]]), num(e[[2]]))
rows <- c(
  line("network_total", pair(svytotal(~z, des))),
  line("network_prevalence", pair(svyratio(~z, ~x, des))),
  line("network_stock", pair(svytotal(~zs, des))),
  line("scale_up", lapply(pair(size), `*`, N)),
  line("scale_up_by_sex", lapply(list(by[["hid/deg"]], by[["se.hid/deg"]]), `*`, N)),
  line("mean_of_ratios", lapply(pair(mor), `*`, N)),
  line("difference", pair(dim)),
  line("crosswise", list((coef(same) - 0.8) / -0.6, SE(same) / 0.6))
)
writeLines(c("{", paste(rows, collapse = ",\n"), "}"), file.path(out, "hidden_populations.json"))
cat("survey", as.character(packageVersion("survey")), R.version.string, "\n")

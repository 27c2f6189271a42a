# Golden values of the unit-level logit model: lme4 1.1.31 (glmer), R 4.2.
# Rscript tests/oracles/small_area_logit.R > tests/golden/small_area_logit.json
suppressMessages({library(lme4); library(jsonlite)})
set.seed(77)
m <- 18
n <- sample(4:30, m, replace = TRUE)
area <- rep(seq_len(m), n)
x <- round(rnorm(sum(n)), 2)
z <- rbinom(sum(n), 1, 0.4)
y <- rbinom(sum(n), 1, plogis(-1 + 0.7 * x - 0.5 * z + rnorm(m, 0, 0.8)[area]))
control <- glmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 1e5, rhoend = 1e-10), tolPwrss = 1e-12)
fits <- lapply(c(laplace = 1, agq = 9), function(k) {
  f <- glmer(y ~ x + z + (1 | area), family = binomial, nAGQ = k, control = control)
  out <- list(
    beta = unname(fixef(f)), sigma = unname(getME(f, "theta")), effects = ranef(f)$area[[1]],
    se = unname(sqrt(diag(as.matrix(vcov(f, use.hessian = TRUE)))))
  )
  if (k == 1) out$loglik <- as.numeric(logLik(f))  # with more nodes lme4 leaves a constant out
  out
})
cat(toJSON(c(list(area = area, x = x, z = z, y = y), fits), digits = 12, auto_unbox = TRUE))
cat("\n")

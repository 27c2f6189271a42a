# Independent values for tests/multiple_systems/test_closed.py and its neighbours: R's own glm, optim and uniroot.
# Data: snowshoe hares, six occasions, numbers of captures 25 22 13 5 1 2 and first captures 16 24 9 9 6 4
# (Cormack 1989, Biometrics 45:395-413); hepatitis A in Taiwan, three lists (Chao, Tsay, Lin, Shau & Chao 2001,
# Statistics in Medicine 20:3123-3157); Kosovo killings (Ball et al. 2002).
# Run: Rscript tests/oracles/closed_population.R > tests/golden/closed_population.json
suppressPackageStartupMessages(library(jsonlite))

f <- c(25, 22, 13, 5, 1, 2); k <- 1:6; t <- 6; n <- sum(f)
control <- glm.control(epsilon = 1e-14, maxit = 200)
poisson_fit <- function(extra = NULL) {
  x <- cbind(1, k, extra)
  fit <- glm(f ~ x - 1, offset = lchoose(t, k), family = poisson, control = control)
  fit <- glm(f ~ x - 1, offset = lchoose(t, k), family = poisson, control = control, start = coef(fit))
  d <- exp(coef(fit)[[1]])
  list(estimate = n + d, se = sqrt(d + d^2 * vcov(fit)[1, 1]), deviance = deviance(fit), aic = AIC(fit))
}
# Logit-normal: total size and dark figure by numerical integration, Hessian of the likelihood.
cell <- function(k, b, s) integrate(function(z) exp(k * plogis(b + s * z, log.p = TRUE) +
  (t - k) * plogis(b + s * z, lower.tail = FALSE, log.p = TRUE)) * dnorm(z), -12, 12, rel.tol = 1e-11)$value
loss <- function(p) { mu <- exp(p[1]) * choose(t, k) * sapply(k, cell, p[2], exp(p[3])); sum(mu - f * log(mu)) }
best <- optim(c(4.5, -1.2, 0), loss, method = "BFGS", control = list(reltol = 1e-15, maxit = 500))
best <- optim(best$par, loss, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-15, ndeps = rep(1e-4, 3)))
dark <- function(p) exp(p[1]) * cell(0, p[2], exp(p[3]))
slope <- sapply(1:3, function(i) { h <- replace(numeric(3), i, 1e-5); (dark(best$par + h) - dark(best$par - h)) / 2e-5 })
normal <- list(estimate = n + dark(best$par), sigma = exp(best$par[3]),
  se = sqrt(dark(best$par) + drop(slope %*% solve(best$hessian) %*% slope)))
# Generalised removal (Mbh): first captures u_j are Poisson with a first chance of its own; the size is N.
u <- c(16, 24, 9, 9, 6, 4)
removal <- function(p) {
  p1 <- plogis(p[2]); q <- plogis(p[3])
  mu <- exp(p[1]) * c(p1, (1 - p1) * q * (1 - q)^(0:4))
  sum(mu - u * log(mu))
}
gr <- optim(c(4.3, -1.3, -0.5), removal, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
gr <- optim(gr$par, removal, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-16, ndeps = rep(1e-4, 3)))
size <- exp(gr$par[1])
mbh <- list(estimate = size, se = sqrt(size^2 * solve(gr$hessian)[1, 1] - size))
# Profile likelihood of M0 by refitting the completed table.
profile <- function(x) {
  y <- c(x, f)
  fit <- glm(y ~ c(0, k), offset = c(0, lchoose(t, k)), family = quasipoisson, control = control)
  mu <- fitted(fit)
  sum(y * log(mu / sum(y))) + lgamma(sum(y) + 1) - lgamma(x + 1)
}
top <- optimize(profile, c(1, 30), maximum = TRUE, tol = 1e-10)
below <- function(x) profile(x) - top$objective + qchisq(.95, 1) / 2
m0_profile <- list(maximum = n + top$maximum, low = n + uniroot(below, c(.01, top$maximum), tol = 1e-10)$root,
  high = n + uniroot(below, c(top$maximum, 60), tol = 1e-10)$root)
# Zero-truncated Poisson regression with one 0/1 covariate.
times <- c(1, 2, 1, 2, 3, 1); sex <- c(0, 0, 1, 1, 1, 0); w <- c(40, 12, 60, 9, 2, 5)
zt <- function(b) { r <- exp(b[1] + b[2] * sex); -sum(w * (times * log(r) - r - log(1 - exp(-r)) - lfactorial(times))) }
z <- optim(c(0, 0), zt, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-16, ndeps = rep(1e-4, 2)))
total <- function(b) sum(w / (1 - exp(-exp(b[1] + b[2] * sex))))
g <- sapply(1:2, function(i) { h <- replace(numeric(2), i, 1e-5); (total(z$par + h) - total(z$par - h)) / 2e-5 })
p0 <- exp(-exp(z$par[1] + z$par[2] * sex))
truncated <- list(estimate = total(z$par), se = sqrt(sum(w * p0 / (1 - p0)^2) + drop(g %*% solve(z$hessian) %*% g)),
  loglik = -z$value, coef = z$par)
# Interval likelihood of a table rounded to the nearest 5, independence, three lists.
cells <- as.matrix(expand.grid(0:1, 0:1, 0:1))[-1, ]; y <- c(70, 55, 20, 65, 15, 20, 30)
interval <- function(b) {
  mu <- exp(b[1] + cells %*% b[2:4])
  -sum(log(ppois(y + 2, mu) - ppois(y - 3, mu)))
}
i <- optim(c(5, -.8, -.9, -.9), interval, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))
i <- optim(i$par, interval, method = "BFGS", hessian = TRUE, control = list(reltol = 1e-16, ndeps = rep(1e-4, 4)))
censored <- list(dark = exp(i$par[1]), se_log = sqrt(solve(i$hessian)[1, 1]), loglik = -i$value)
cat(toJSON(list(made_with = R.version.string, date = as.character(Sys.Date()),
  hares = list(M0 = poisson_fit(), poisson2 = poisson_fit(2^k - 1), darroch = poisson_fit(k^2 / 2),
    gamma35 = poisson_fit(-log(3.5 + k) + log(3.5)), normal = normal, mbh = mbh, m0_profile = m0_profile),
  truncated = truncated, censored = censored), digits = 10, auto_unbox = TRUE, pretty = TRUE), "\n")

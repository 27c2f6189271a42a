# Independent values for tests/multiple_systems: R's own glm on the observable cells, and the profile
# likelihood of the population size by refitting the completed table.
# Data: UK 2013 potential victims of trafficking, Silverman (2014) "Modern slavery: an application of multiple
# systems estimation", Home Office, Table 1; lists LA, NG, PF, GO, GP, NCA. PF and NCA merged for five lists.
# Kosovo killings 1999: Ball et al. (2002) "Killings and refugee flow in Kosovo", AAAS/ABA-CEELI.
# Run: Rscript tests/oracles/multiple_systems.R > tests/golden/multiple_systems.json
suppressPackageStartupMessages(library(jsonlite))

table_of <- function(lists, histories) {
  t <- length(lists)
  cells <- as.data.frame(as.matrix(expand.grid(rep(list(0:1), t))))
  names(cells) <- lists
  key <- apply(cells, 1, paste, collapse = "")
  cells$y <- 0
  cells$y[match(names(histories), key)] <- unlist(histories)
  cells
}
uk6 <- table_of(c("LA", "NG", "PF", "GO", "GP", "NCA"), list(
  "100000" = 54, "010000" = 463, "001000" = 907, "000100" = 695, "000010" = 316, "000001" = 57,
  "110000" = 15, "101000" = 19, "100100" = 3, "011000" = 56, "010100" = 19, "010010" = 1, "010001" = 3,
  "001100" = 69, "001010" = 10, "001001" = 31, "000110" = 8, "000101" = 6, "000011" = 1, "111000" = 1,
  "110100" = 1, "011100" = 4, "011001" = 3, "001101" = 1, "111100" = 1))
merge_pf_nca <- function(d) {
  d$PFNCA <- pmax(d$PF, d$NCA)
  aggregate(y ~ LA + NG + PFNCA + GO + GP, d, sum)
}
uk5 <- merge_pf_nca(uk6)
kosovo <- table_of(c("EXH", "ABA", "OSCE", "HRW"), list(
  "1000" = 1131, "0100" = 845, "0010" = 936, "0001" = 306, "1100" = 177, "1010" = 228, "1001" = 106,
  "0110" = 217, "0101" = 31, "0011" = 123, "1110" = 181, "1101" = 18, "1011" = 42, "0111" = 32, "1111" = 27))

fit <- function(d, formula, drop = NULL) {
  lists <- setdiff(names(d), "y")
  keep <- rowSums(d[lists]) > 0
  if (!is.null(drop)) keep <- keep & !(d[[drop[1]]] & d[[drop[2]]])
  g <- glm(formula, poisson, d[keep, ], control = glm.control(epsilon = 1e-15, maxit = 200))
  n <- sum(d$y[rowSums(d[lists]) > 0])
  b <- coef(g)[[1]]
  profile <- function(N) {
    full <- d
    full$y[rowSums(d[lists]) == 0] <- N - n
    use <- keep | rowSums(d[lists]) == 0
    h <- suppressWarnings(glm(formula, poisson, full[use, ], control = glm.control(epsilon = 1e-14, maxit = 200)))
    sum(full$y[use] * log(fitted(h) / N)) + lgamma(N + 1) - lgamma(N - n + 1)
  }
  N <- n + exp(b)
  best <- optimize(profile, c(n + 0.5 * exp(b), n + 2 * exp(b)), maximum = TRUE, tol = 1e-6)
  gap <- function(N) profile(N) - best$objective + qchisq(.95, 1) / 2
  list(n = n, estimate = N, se_log_dark = sqrt(vcov(g)[1, 1]), deviance = deviance(g),
       loglik = as.numeric(logLik(g)), df = df.residual(g),
       profile = c(uniroot(gap, c(n + 1e-3, best$maximum), tol = 1e-9)$root,
                   uniroot(gap, c(best$maximum, n + 40 * exp(b)), tol = 1e-9)$root),
       multinomial_estimate = best$maximum)
}
main5 <- y ~ LA + NG + PFNCA + GO + GP
main4 <- y ~ EXH + ABA + OSCE + HRW
out <- list(
  made_by = paste("tests/oracles/multiple_systems.R,", R.version.string), date = as.character(Sys.Date()),
  cases = list(
    list(data = "uk6", interactions = list(),
         expected = fit(uk6, y ~ LA + NG + PF + GO + GP + NCA)),
    list(data = "uk5", interactions = list(), expected = fit(uk5, main5)),
    list(data = "uk5", interactions = c("LA:NG", "LA:PFNCA", "NG:PFNCA", "NG:GP", "PFNCA:GO"),
         expected = fit(uk5, update(main5, . ~ . + LA:NG + LA:PFNCA + NG:PFNCA + NG:GP + PFNCA:GO))),
    list(data = "uk5", interactions = c("LA:NG", "LA:GP"),
         expected = fit(uk5, update(main5, . ~ . + LA:NG), drop = c("LA", "GP"))),
    list(data = "uk5", interactions = c("LA:NG:PFNCA", "PFNCA:GO"),
         expected = fit(uk5, update(main5, . ~ . + LA * NG * PFNCA + PFNCA:GO))),
    list(data = "kosovo", interactions = c("EXH:ABA", "EXH:OSCE", "EXH:HRW", "ABA:OSCE", "OSCE:HRW"),
         expected = fit(kosovo, update(main4, . ~ . + EXH:ABA + EXH:OSCE + EXH:HRW + ABA:OSCE + OSCE:HRW)))))
cat(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "\n")

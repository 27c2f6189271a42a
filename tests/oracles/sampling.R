# Inclusion probabilities and joint ones of Sampford's design, for tests/golden/sampling.json.
#   Rscript tests/oracles/sampling.R tests/golden/sampling.json
# Made with R 4.2.2, sampling 2.9, jsonlite 1.8.4.
suppressMessages({library(sampling); library(jsonlite)})
set.seed(1)
cases <- list(
  list(size = c(10, 20, 30, 40, 5, 15, 60, 20), n = 3),
  list(size = c(1, 1, 5, 20), n = 3),
  list(size = c(3, 1000, 7, 9, 400, 12, 15, 8, 2, 6), n = 4),
  list(size = round(rlnorm(40, 4, 1.1), 3), n = 12)
)
out <- lapply(cases, function(x) c(x, list(probability = inclusionprobabilities(x$size, x$n))))
small <- c(10, 20, 30, 40, 5, 15, 60, 20)
pik <- inclusionprobabilities(small, 3)
writeLines(toJSON(list(
  software = paste("R", getRversion(), "sampling", packageVersion("sampling")),
  inclusion = out,
  sampford = list(size = small, n = 3, joint = UPsampfordpi2(pik)),
  systematic = list(size = small, n = 3, joint = UPsystematicpi2(pik))
), auto_unbox = TRUE, digits = 12, pretty = TRUE), commandArgs(TRUE)[1])

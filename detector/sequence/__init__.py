"""The cloned hidden Markov model: fit, filter, Viterbi, smoothing and one-class detection."""

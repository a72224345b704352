"""The cloned hidden Markov model: fitting, filtering, Viterbi, smoothing and one-class detection."""

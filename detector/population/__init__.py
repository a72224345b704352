"""The statistics of all households: vocabulary, base rates, slot pairs and dialogue flow."""

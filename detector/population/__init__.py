"""What all households do: vocabulary, base rates, slot pairs and dialogue flow."""

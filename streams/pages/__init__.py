"""What HTML pages share: templates of chains, evidence and the week, their style, and formats."""

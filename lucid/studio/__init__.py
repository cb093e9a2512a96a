"""``lucid studio``: a page on which a schedule is designed. It shows what the server computes, and computes nothing."""

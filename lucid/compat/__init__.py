"""The schedulers of other libraries by their own names and arguments, each made of the catalogue."""

"""The benchmark against other tools: cases are clip x limit x tool, each result is kept as it comes."""

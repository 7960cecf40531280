"""A page that shows what became of a clip: pictures before and after, quality and bytes over time, and why."""

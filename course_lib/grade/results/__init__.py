"""What was earned: kept on disk, shown as pages, given out as tables and into a gradebook."""

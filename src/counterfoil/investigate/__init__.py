"""What a judged case shows: findings in words, who did what by mail, the summary and the details of a report."""

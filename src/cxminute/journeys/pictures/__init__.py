"""What a table or a plan looks like: charts, and the plan drawn as text and as a picture."""

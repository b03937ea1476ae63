"""The rows behind the callers: users, teams, organizations, end users."""

"""The management service: users, teams, organizations, end users and budgets by HTTP."""

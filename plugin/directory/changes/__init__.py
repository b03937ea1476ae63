"""Changing rows on somebody's behalf: every change in one transaction with its entry of the audit.

`transaction.changing` opens a transaction; in it users, teams, members, organizations, end_users
and budgets have one function for each operation. Who may do what is judged by whoever calls.
"""

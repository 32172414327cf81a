"""The target `make demo`: two more accounts, with thirty days of history.

``timeline`` has the loads and the events, ``account_loads`` and ``history`` make the history with the product's own
parts and a moved clock, ``mail`` delivers its alerts to the mail catcher, ``command`` is the target.
"""

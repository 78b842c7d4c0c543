"""Files into their members: archives opened, compression undone, everything bounded.

`walk.members` is the way in. Formats are told by content, never by name; names of members are only shown, nothing is
ever written under them. What cannot be opened is a member with a reason, not an exception.
"""

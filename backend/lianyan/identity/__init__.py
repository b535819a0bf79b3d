"""People, how they log in, what they are; sessions, invitations by link, officers, platform roles."""

"""Texts that broke other portals: each is stored exactly as typed, or refused by name."""

TEXTS = [
    "", " ", "\u3000", "a\u0000b", "\u0001", "\u0085", "a\x7fb", "\x1b[31m",
    "\ud800", "\udfff", "\udc00\ud800", "\ufeff题", "题\ufeff",
    "𠮷野家", "𰻞𰻞面", "👩‍👩‍👧‍👦", "🇨🇳", "👍🏽", "a" + "\u0301" * 1000,
    "é", "e\u0301", "ﬁ", "Å", "＜script＞", "＝1", "a\u200bb", "\u200b", "a\u200db", "аdmin",
    "a\u202eb", "\u2066x", "a\u2028b", "a\u2029b", "\ufffd", "\ufffe", "\uffff", "\U0010ffff", "\ue000",
    "\U000e0041", "İ", "ß", "·", "x" * 5000, "长" * 5000, "\n" * 5000, "a\r\nBcc: x@y.z", "a\rb", "a\tb",
    "' OR 1=1--", "%", "_", "\\", "$1", "{{7*7}}", "{0.__class__}", "{count}", "${jndi:ldap://x}",
    "<script>alert(1)</script>", "<svg onload=x>", "javascript:alert(1)", "data:text/html,x",
    "[x](javascript:x)", "![x](http://x)", "\\input{/etc/passwd}", "=1+1", "+1", "-1", "@x", "\t=1",
    "＝1+1", "=cmd|'/c calc'!A0", "(((", ":*", "&&", '"', "null", "NaN", "a " * 3000, "(a+)+$",
]  # fmt: skip

from idp.fixtures import demo_login, forger  # noqa: F401  fixtures of this folder

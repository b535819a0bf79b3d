from idp.fixtures import demo_login, forger, unused_port  # noqa: F401  fixtures of this folder

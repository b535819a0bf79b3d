from idp.fixtures import demo_login  # noqa: F401  fixtures of this folder

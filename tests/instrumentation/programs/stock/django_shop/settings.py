"""The settings of a Django project that prints when it is loaded, so that a second load would show."""

import sys

ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
LOGGING_CONFIG = None
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "django_shop.urls"
SECRET_KEY = "of a test"
USE_TZ = True

print("settings loaded", sorted(name for name in sys.modules if name.startswith("django_shop")))

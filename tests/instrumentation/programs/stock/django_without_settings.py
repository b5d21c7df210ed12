"""A program that uses a part of Django that needs no settings, and one that fails without them."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.utils.text import slugify

print(slugify("Order of Tea"), settings.configured)
for attempt in (lambda: settings.DEBUG, WSGIHandler):
    try:
        attempt()
    except ImproperlyConfigured as error:
        print(str(error)[:60])

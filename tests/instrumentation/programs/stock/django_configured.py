"""A Django service in one file that calls `settings.configure()`, and a test client."""

from asking import ask, serving
from django.conf import settings

print(settings.configured)
settings.configure(ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None, ROOT_URLCONF=__name__, SECRET_KEY="of a test")

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402


def order(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(f"order {number}")


urlpatterns = [path("orders/<int:number>", order)]
application = get_wsgi_application()
with serving(application) as port:
    ask(port, "/orders/7", "/missing")
print(Client().get("/orders/8").content)

"""Views of a Django project: an answer, the database, a status, a view that raises."""

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def order(request: HttpRequest, number: int) -> HttpResponse:
    return JsonResponse({"order": number, "user": request.GET.get("user")})


async def stock(request: HttpRequest) -> HttpResponse:
    return HttpResponse("tea", status=202)


def tables(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 6 * 7")
        return JsonResponse({"answer": cursor.fetchone()[0], "table": ContentType._meta.db_table})


def broken(request: HttpRequest) -> HttpResponse:
    raise LookupError("no such order")


urlpatterns = [
    path("orders/<int:number>", order),
    path("stock", stock),
    path("tables", tables),
    path("broken", broken),
]

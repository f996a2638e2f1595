from django.urls import path
from rest_framework.routers import SimpleRouter

from .views import KeyViewSet, UserViewSet

router = SimpleRouter(trailing_slash=False)
router.register("users", UserViewSet, basename="user")

urlpatterns = [
    *router.urls,
    path("keys", KeyViewSet.as_view({"get": "list", "post": "create"})),
    path("keys/<id:key_id>", KeyViewSet.as_view({"delete": "destroy"})),
]

from django.urls import path

from core.api import converters as _converters  # noqa: F401 - registers `<id:…>`

from .views import (
    connections_page,
    consent_page,
    entrance,
    memory_list,
    memory_page,
    selection_page,
    settings_page,
)

app_name = "pages"

urlpatterns = [
    path("", entrance.FrontView.as_view(), name="front"),
    path("sign-in", entrance.SignInView.as_view(), name="sign_in"),
    path("sign-in/link", entrance.LinkView.as_view(), name="sign_in_link"),
    path("sign-out", entrance.SignOutView.as_view(), name="sign_out"),
    path("appearance", settings_page.AppearanceView.as_view(), name="appearance"),
    path("oauth/authorize", consent_page.ConsentView.as_view(), name="consent"),
    path("memories", memory_list.MemoryListView.as_view(), name="memories"),
    path("memories/new", memory_page.NewMemoryView.as_view(), name="new_memory"),
    path("memories/change", selection_page.ChangeView.as_view(), name="change"),
    path("memories/undo", selection_page.UndoView.as_view(), name="undo"),
    path("memories/<id:memory_id>", memory_page.MemoryPageView.as_view(), name="memory"),
    path("memories/<id:memory_id>/edit", memory_page.EditView.as_view(), name="edit_memory"),
    path("settings", settings_page.SettingsView.as_view(), name="settings"),
    path("settings/password", settings_page.PasswordView.as_view(), name="password"),
    path("settings/time-zone", settings_page.TimeZoneView.as_view(), name="time_zone"),
    path(
        "settings/sessions/<id:session_id>/end",
        settings_page.EndSessionView.as_view(),
        name="end_session",
    ),
    path(
        "settings/connections/<id:key_id>/end",
        connections_page.EndConnectionView.as_view(),
        name="end_connection",
    ),
    path(
        "settings/sign-out-everywhere",
        settings_page.SignOutEverywhereView.as_view(),
        name="sign_out_everywhere",
    ),
]

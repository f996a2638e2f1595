from django.urls import path

from .views import entrance, memory_list, settings_page

app_name = "pages"

urlpatterns = [
    path("", entrance.FrontView.as_view(), name="front"),
    path("sign-in", entrance.SignInView.as_view(), name="sign_in"),
    path("sign-in/link", entrance.LinkView.as_view(), name="sign_in_link"),
    path("sign-out", entrance.SignOutView.as_view(), name="sign_out"),
    path("appearance", settings_page.AppearanceView.as_view(), name="appearance"),
    path("memories", memory_list.MemoryListView.as_view(), name="memories"),
    path("settings", settings_page.SettingsView.as_view(), name="settings"),
    path("settings/password", settings_page.PasswordView.as_view(), name="password"),
    path("settings/time-zone", settings_page.TimeZoneView.as_view(), name="time_zone"),
    path(
        "settings/sessions/<id:session_id>/end",
        settings_page.EndSessionView.as_view(),
        name="end_session",
    ),
    path(
        "settings/sign-out-everywhere",
        settings_page.SignOutEverywhereView.as_view(),
        name="sign_out_everywhere",
    ),
]

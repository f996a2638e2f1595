from django.urls import path

from core.api import converters as _converters  # noqa: F401 - registers `<id:…>`

from .views import (
    app_page,
    connect_page,
    connections_page,
    consent_page,
    end_user_page,
    entrance,
    key_page,
    memory_list,
    memory_page,
    own_data_page,
    reads_page,
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
    path("apps", app_page.AppsView.as_view(), name="apps"),
    path("apps/<id:app_id>", app_page.AppView.as_view(), name="app"),
    path("apps/<id:app_id>/state", app_page.AppStateView.as_view(), name="app_state"),
    path("apps/<id:app_id>/rules", app_page.NewRulesView.as_view(), name="new_rules"),
    path(
        "apps/<id:app_id>/rules/<id:rule_id>/delete",
        app_page.DeleteRuleView.as_view(),
        name="delete_rule",
    ),
    path("reads", reads_page.ReadsView.as_view(), name="reads"),
    path("connect", connect_page.ConnectView.as_view(), name="connect"),
    path("connect/<slug:slug>", connect_page.ProgramView.as_view(), name="program"),
    path("keys", key_page.KeysView.as_view(), name="keys"),
    path("keys/<id:key_id>/revoke", key_page.RevokeKeyView.as_view(), name="revoke_key"),
    path("keys/<id:key_id>/called", connect_page.CalledView.as_view(), name="called"),
    path("data", own_data_page.DataView.as_view(), name="data"),
    path("data/export", own_data_page.ExportView.as_view(), name="export"),
    path("data/import", own_data_page.ImportView.as_view(), name="import"),
    path("data/jobs/<id:job_id>", own_data_page.JobView.as_view(), name="job"),
    path("data/jobs/<id:job_id>/cancel", own_data_page.CancelJobView.as_view(), name="cancel_job"),
    path("data/jobs/<id:job_id>/file", own_data_page.DownloadView.as_view(), name="job_file"),
    path(
        "data/jobs/<id:job_id>/import",
        own_data_page.ImportAfterDryRunView.as_view(),
        name="import_now",
    ),
    path("data/erase", own_data_page.EraseView.as_view(), name="erase"),
    path("erased", own_data_page.ErasedView.as_view(), name="erased"),
    path("end-users", end_user_page.EndUsersView.as_view(), name="end_users"),
    path("end-users/choose", end_user_page.ChooseView.as_view(), name="choose_end_user"),
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

# Where people read the runbooks: not on this host.
{
  watchstander.alerts.runbooks = "https://git.example.org/watchstander/src/branch/main/docs/runbooks";
}

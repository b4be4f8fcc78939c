# Who is told. The mail server and the service that misses the Watchdog are examples.
{
  watchstander.alertmanager = {
    enable = true;
    deadMan.urlFile = "/run/secrets/alertmanager/dead-man-url";
    secondReceiver.email = {
      to = "ops@example.org";
      from = "vulcan@example.org";
      smarthost = "mail.example.org:587";
      username = "vulcan@example.org";
      passwordFile = "/run/secrets/alertmanager/smtp-password";
    };
  };
}

# The services of the plan's inventory that people ask about.
{
  watchstander.dependencies = {
    enable = true;
    units = [
      "postgresql.service"
      "step-ca.service"
      "nginx.service"
      "container@*.service"
      "podman-*.service"
      "restic-*.service"
      "sanoid.service"
      "zfs-*"
      "prometheus*.service"
      "grafana.service"
      "loki.service"
      "alloy.service"
      "watchstander*"
    ];
    virtualHost = "grafana.example.org";
    authRequest = "/grafana-user";
  };
}

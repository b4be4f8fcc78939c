# What vulcan's services need, may use and do when they fail. The figures are for 64 GiB, of
# which ZFS' cache may have 32.
{
  watchstander.units = {
    # The proxy in front of everything: a NixOS container of its own.
    nginx = {
      unit = "container@nginx";
      after = [ "network-online.target" ];
      wants = [ "step-ca.service" ];
      memoryMax = "1G";
      memoryHigh = "768M";
      tasksMax = 512;
      restart.policy = "on-failure";
      stop.timeout = 60;
      # The proxy itself, and not what is behind it.
      check = { url = "http://127.0.0.1:8480/healthz"; restart.enable = true; };
    };
    # Its clients wait for it. A kill in the middle costs a recovery: it gets its time.
    postgresql = {
      memoryHigh = "12G";
      memoryMax = "16G";
      cpuWeight = 200;
      stop = { timeout = 300; signal = "SIGINT"; };
      check.command = [ "/run/current-system/sw/bin/pg_isready" "--quiet" "--host=/run/postgresql" ];
    };
    step-ca = {
      memoryMax = "512M";
      tasksMax = 128;
      restart.policy = "on-failure";
      check = { url = "https://10.100.0.1:8443/health"; insecure = true; addresses = [ "10.100.0.1" ]; };
    };
  };
}

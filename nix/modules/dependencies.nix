# watchstander.dependencies: the services' dependencies as a picture, from what systemd has
# loaded: what needs what, and what waits for what.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkEnableOption mkIf mkOption types;
  cfg = config.watchstander.dependencies;
  dir = "/var/lib/watchstander-dependencies";

  program = import ../script.nix { inherit lib pkgs; } "dependencies" [ pkgs.systemd pkgs.graphviz pkgs.coreutils pkgs.gnugrep ];
in
{
  options.watchstander.dependencies = {
    enable = mkEnableOption "pictures of the services' dependencies, drawn anew each day and after each boot";

    units = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9:_.@*?-]+");
      default = [ ];
      example = [ "postgresql.service" "nginx.service" "restic-*.service" "zfs-*" ];
      description = ''
        The units whose dependencies are drawn, as patterns of systemd. A whole host is a picture
        that nobody can read: name the services that people ask about.
      '';
    };
    virtualHost = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = null;
      example = "grafana.example.org";
      description = "The virtual host of nginx that shows the pictures at `/dependencies/`. It must exist already.";
    };
    authRequest = mkOption {
      type = types.nullOr (types.strMatching "/.+");
      default = null;
      example = "/grafana-user";
      description = ''
        A location of that virtual host that tells nginx whether somebody may see the pictures.
        `/grafana-user` of `watchstander.grafana.proxy` lets those see them who are logged in to
        Grafana. Without one, whoever reaches the virtual host sees them.
      '';
    };
  };

  config = mkIf cfg.enable {
    assertions = [{
      assertion = cfg.units != [ ];
      message = "watchstander.dependencies.units is empty: name the services whose dependencies are to be drawn.";
    }];

    users.users.watchstander-dependencies = {
      isSystemUser = true;
      group = "watchstander-dependencies";
      description = "Draws the services' dependencies";
    };
    users.groups.watchstander-dependencies = { };
    environment.systemPackages = [ pkgs.graphviz ];

    systemd.services.watchstander-dependencies = {
      description = "Draw the services' dependencies";
      environment.UNITS = lib.concatStringsSep " " cfg.units;
      serviceConfig = import ../confined.nix // {
        Type = "oneshot";
        ExecStart = program;
        User = "watchstander-dependencies";
        Group = "watchstander-dependencies";
        StateDirectory = "watchstander-dependencies";
        StateDirectoryMode = "0755"; # nginx reads it
        WorkingDirectory = dir;
        TimeoutStartSec = "5min";
        MemoryMax = "512M";
        Nice = 10;
        CapabilityBoundingSet = "";
        PrivateDevices = true;
        PrivateNetwork = true;
        RestrictAddressFamilies = [ "AF_UNIX" ]; # systemd over D-Bus
        SystemCallFilter = [ "@system-service" "~@privileged" ];
        UMask = "0022";
      };
    };
    systemd.timers.watchstander-dependencies = {
      description = "Draw the services' dependencies";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "10min";
        OnCalendar = "daily";
        RandomizedDelaySec = "30min";
        Persistent = true;
      };
    };

    services.nginx = mkIf (cfg.virtualHost != null) {
      virtualHosts.${cfg.virtualHost}.locations."/dependencies/" = {
        alias = "${dir}/";
        extraConfig = lib.optionalString (cfg.authRequest != null) "auth_request ${cfg.authRequest};\n" + ''
          autoindex on;
          add_header Content-Security-Policy "default-src 'none'; style-src 'unsafe-inline'" always;
        '';
      };
    };
  };
}

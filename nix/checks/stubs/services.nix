# Of virtualisation, containers, nix and system, what the modules define, with NixOS' types.
{ lib, pkgs, ... }:
let
  inherit (lib) mkOption types;
  bool = mkOption { type = types.bool; default = false; };
  strs = mkOption { type = types.listOf types.str; default = [ ]; };
  str = default: mkOption { type = types.str; inherit default; };
  nullOr = type: mkOption { type = types.nullOr type; default = null; };
in
{
  options = {
    system.preSwitchChecks = mkOption { type = types.attrsOf types.str; default = { }; };
    system.autoUpgrade.enable = bool;
    system.configurationRevision = mkOption { type = types.nullOr types.str; default = null; };

    nix.package = mkOption { type = types.package; default = pkgs.nix; };
    nix.settings = mkOption { type = types.attrsOf types.anything; default = { }; };

    virtualisation.vmVariant = mkOption { type = types.deferredModule; default = { }; };

    virtualisation.docker.enable = bool;
    virtualisation.podman = {
      enable = bool;
      dockerCompat = bool;
      dockerSocket.enable = bool;
      autoPrune = { enable = bool; dates = str "weekly"; flags = strs; };
    };
    virtualisation.containers.registries.insecure = strs;

    virtualisation.oci-containers.backend = mkOption { type = types.enum [ "podman" "docker" ]; default = "podman"; };
    virtualisation.oci-containers.containers = mkOption {
      default = { };
      type = types.attrsOf (types.submodule ({ name, ... }: {
        options = {
          image = mkOption { type = types.str; };
          imageFile = nullOr types.package;
          imageStream = nullOr types.package;
          serviceName = str "podman-${name}";
          cmd = strs;
          labels = mkOption { type = types.attrsOf types.str; default = { }; };
          entrypoint = nullOr types.str;
          environment = mkOption { type = types.attrsOf types.str; default = { }; };
          environmentFiles = mkOption { type = types.listOf types.path; default = [ ]; };
          log-driver = str "journald";
          ports = strs;
          user = nullOr types.str;
          volumes = strs;
          workdir = nullOr types.str;
          dependsOn = strs;
          hostname = nullOr types.str;
          preRunExtraOptions = strs;
          extraOptions = strs;
          autoStart = mkOption { type = types.bool; default = true; };
          podman = nullOr types.anything;
          pull = mkOption { type = types.enum [ "always" "missing" "never" "newer" ]; default = "missing"; };
          capabilities = mkOption { type = types.attrsOf (types.nullOr types.bool); default = { }; };
          devices = strs;
          privileged = bool;
          networks = strs;
        };
      }));
    };

    # NixOS containers; what is in one is a system of its own, which is not looked at.
    containers = mkOption {
      default = { };
      type = types.attrsOf (types.submodule {
        options = {
          config = mkOption { type = types.deferredModule; default = { }; };
          autoStart = bool;
          ephemeral = bool;
          privateNetwork = bool;
          privateUsers = mkOption { type = types.either types.ints.unsigned (types.enum [ "no" "identity" "pick" ]); default = "no"; };
          hostAddress = nullOr types.str;
          localAddress = nullOr types.str;
          additionalCapabilities = strs;
          extraFlags = strs;
          restartIfChanged = mkOption { type = types.bool; default = true; };
          timeoutStartSec = str "1min";
          bindMounts = mkOption {
            default = { };
            type = types.attrsOf (types.submodule ({ name, ... }: {
              options = { mountPoint = str name; hostPath = nullOr types.str; isReadOnly = mkOption { type = types.bool; default = true; }; };
            }));
          };
          forwardPorts = mkOption { type = types.listOf types.anything; default = [ ]; };
        };
      });
    };

    services.dockerRegistry = {
      enable = bool;
      listenAddress = str "127.0.0.1";
      port = mkOption { type = types.port; default = 5000; };
      storagePath = mkOption { type = types.nullOr types.path; default = "/var/lib/docker-registry"; };
      enableDelete = bool;
      enableGarbageCollect = bool;
      garbageCollectDates = str "daily";
      extraConfig = mkOption { type = types.attrs; default = { }; };
    };
  };
}

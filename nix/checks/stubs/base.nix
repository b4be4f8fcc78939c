# Options of NixOS that the modules define, as far as they do, with the types that NixOS
# gives them. What is not here does not exist for the checks: a misspelt option fails.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  any = types.attrsOf types.anything;
  unit = more: types.attrsOf (types.submodule ({ name, ... }: {
    options = {
      enable = mkOption { type = types.bool; default = true; };
      description = mkOption { type = types.singleLineStr; default = ""; };
      documentation = mkOption { type = types.listOf types.str; default = [ ]; };
      unitConfig = mkOption { type = any; default = { }; };
    } // lib.genAttrs [ "wantedBy" "requiredBy" "wants" "requires" "bindsTo" "partOf" "after" "before" "conflicts" "onFailure" ]
      (_: mkOption { type = types.listOf types.str; default = [ ]; })
    // more;
  }));
in
{
  options = {
    assertions = mkOption { type = types.listOf (types.submodule { options = { assertion = mkOption { type = types.bool; }; message = mkOption { type = types.str; }; }; }); default = [ ]; };
    warnings = mkOption { type = types.listOf types.str; default = [ ]; };

    environment.systemPackages = mkOption { type = types.listOf types.package; default = [ ]; };
    environment.etc = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          source = mkOption { type = types.path; default = "/nowhere"; };
          text = mkOption { type = types.nullOr types.lines; default = null; };
          mode = mkOption { type = types.str; default = "symlink"; };
          user = mkOption { type = types.str; default = "+0"; };
          group = mkOption { type = types.str; default = "+0"; };
        };
      });
      default = { };
    };

    system.stateVersion = mkOption { type = types.str; default = "26.11"; };
    system.boot.loader.id = mkOption { type = types.str; default = "grub"; };

    time.timeZone = mkOption { type = types.nullOr types.str; default = null; };

    networking.hostName = mkOption { type = types.str; default = "nixos"; };

    users.users = mkOption {
      type = types.attrsOf (types.submodule {
        options = {
          isSystemUser = mkOption { type = types.bool; default = false; };
          isNormalUser = mkOption { type = types.bool; default = false; };
          group = mkOption { type = types.str; default = ""; };
          extraGroups = mkOption { type = types.listOf types.str; default = [ ]; };
          description = mkOption { type = types.str; default = ""; };
          uid = mkOption { type = types.nullOr types.int; default = null; };
          subUidRanges = mkOption { default = [ ]; type = types.listOf (types.submodule { options = { startUid = mkOption { type = types.int; }; count = mkOption { type = types.int; default = 1; }; }; }); };
          subGidRanges = mkOption { default = [ ]; type = types.listOf (types.submodule { options = { startGid = mkOption { type = types.int; }; count = mkOption { type = types.int; default = 1; }; }; }); };
          home = mkOption { type = types.path; default = "/var/empty"; };
          openssh.authorizedKeys = {
            keys = mkOption { type = types.listOf types.singleLineStr; default = [ ]; };
            keyFiles = mkOption { type = types.listOf types.path; default = [ ]; };
          };
        } // lib.genAttrs [ "password" "initialPassword" "hashedPassword" "initialHashedPassword" "hashedPasswordFile" ]
          (_: mkOption { type = types.nullOr types.str; default = null; }) // {
        };
      });
      default = { };
    };
    users.groups = mkOption {
      type = types.attrsOf (types.submodule { options.gid = mkOption { type = types.nullOr types.int; default = null; }; });
      default = { };
    };

    systemd.services = mkOption {
      default = { };
      type = unit {
        serviceConfig = mkOption { type = any; default = { }; };
        environment = mkOption { type = types.attrsOf types.str; default = { }; };
        path = mkOption { type = types.listOf (types.either types.package types.str); default = [ ]; };
        script = mkOption { type = types.lines; default = ""; };
        startAt = mkOption { type = types.either types.str (types.listOf types.str); default = [ ]; };
        restartTriggers = mkOption { type = types.listOf types.anything; default = [ ]; };
        reloadTriggers = mkOption { type = types.listOf types.anything; default = [ ]; };
        restartIfChanged = mkOption { type = types.bool; default = true; };
        stopIfChanged = mkOption { type = types.bool; default = true; };
        reloadIfChanged = mkOption { type = types.bool; default = false; };
      };
    };
    systemd.sockets = mkOption {
      default = { };
      type = unit {
        socketConfig = mkOption { type = any; default = { }; };
        listenStreams = mkOption { type = types.listOf types.str; default = [ ]; };
      };
    };
    systemd.timers = mkOption { default = { }; type = unit { timerConfig = mkOption { type = any; default = { }; }; }; };
  };
}

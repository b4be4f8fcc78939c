# A module for test.nix.
{ lib, ... }: {
  options.once = lib.mkOption { type = lib.types.listOf lib.types.str; };
  config.once = [ "here" ];
}

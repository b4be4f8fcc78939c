# What is here, for those without flakes:
#
#   let watchstander = import ./watchstander/nix; in
#   { imports = [ watchstander.modules.watchstander ]; nixpkgs.overlays = [ watchstander.overlay ]; }
let
  # The .nix files of a folder, by name.
  files = dir: builtins.listToAttrs (map
    (name: { name = builtins.substring 0 (builtins.stringLength name - 4) name; value = dir + "/${name}"; })
    (builtins.filter (name: builtins.match ".*\\.nix" name != null && name != "default.nix") (builtins.attrNames (builtins.readDir dir))));
in
{
  overlay = import ./overlay.nix;

  # Each alone; `all` for all at once.
  modules = files ./modules // { all = ./modules; };
  profiles = files ./profiles;
}

#compdef health_exporter
# zsh completion for health_exporter
#   health_exporter completion zsh > "${fpath[1]}/_health_exporter"
_health_exporter() {
    local -aU matches
    matches=("${(@f)$("${words[1]}" --completion-bash "${(@Q)words[2,$CURRENT]}" 2>/dev/null)}")
    matches=("${(@)matches:#}")
    if (( ${#matches} )); then
        compadd -a matches
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == _health_exporter ]]; then
    _health_exporter "$@"
else
    compdef _health_exporter health_exporter
fi

# bash completion for health_exporter
#   source <(health_exporter completion bash)
_health_exporter() {
    local current=${COMP_WORDS[COMP_CWORD]} line quoted
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    while IFS= read -r line || [[ -n $line ]]; do
        printf -v quoted %q "$line"
        if [[ $quoted == "$current"* || $line == "$current"* ]]; then
            COMPREPLY+=("$quoted")
        fi
    done < <("${COMP_WORDS[0]}" --completion-bash "${words[@]//\\/}" 2>/dev/null | sort -u)
}
complete -o default -F _health_exporter health_exporter

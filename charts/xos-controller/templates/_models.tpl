{{/* What sets use that is not among them, as JSON. */}}
{{- define "xos.modelSets.uses" -}}
{{- $uses := list -}}
{{- range $set, $spec := .Values.modelSets -}}
{{- range $spec.uses -}}
{{- if not (hasKey $.Values.modelSets .) -}}
{{- $uses = append $uses . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- uniq $uses | toJson -}}
{{- end -}}

{{/* The dependencies of all sets, as JSON; nothing if there are none. */}}
{{- define "xos.modelSets.dependencies" -}}
{{- $all := dict -}}
{{- range $set, $spec := .Values.modelSets -}}
{{- range $model, $edges := $spec.dependencyGraph -}}
{{- $_ := set $all $model (concat (get $all $model | default list) $edges) -}}
{{- end -}}
{{- end -}}
{{- if $all -}}
{{- toJson $all -}}
{{- end -}}
{{- end -}}

{{/* The files of models in the container. */}}
{{- define "xos.modelSets.items" -}}
{{- $files := dict -}}
{{- range $set, $spec := .Values.modelSets }}
{{- range $file, $text := $spec.xprotos }}
{{- if hasKey $files $file -}}
{{- fail (printf "modelSets.%s.xprotos: there is a file %s in modelSets.%s, too; give one of them another name" $set $file (get $files $file)) -}}
{{- end -}}
{{- $_ := set $files $file $set }}
- {key: {{ printf "models.%s" $file | quote }}, path: {{ $file | quote }}}
{{- end }}
{{- if $spec.properties }}
- {key: {{ printf "convenience.%s.yaml" $set | quote }}, path: {{ printf "convenience/%s.yaml" $set | quote }}}
{{- end }}
{{- end }}
{{- if include "xos.modelSets.dependencies" . }}
- {key: dependencies.json, path: dependencies.json}
{{- end }}
{{- end -}}

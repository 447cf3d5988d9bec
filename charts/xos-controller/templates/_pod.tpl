{{/* What the controller, the Job before an uninstall, and the test have in common: files, and where they are. */}}
{{- define "xos.volumes" -}}
- name: config
  configMap:
    name: {{ .configMap }}
    items:
      - {key: config.yaml, path: config.yaml}
{{- if .root.Values.models }}
- name: models
  configMap:
    name: {{ .configMap }}
    items:
      {{- range $file, $text := .root.Values.models }}
      - {key: {{ $file | quote }}, path: {{ $file | quote }}}
      {{- end }}
      {{- range $file, $text := .root.Values.convenience }}
      - {key: {{ printf "convenience.%s" $file | quote }}, path: {{ printf "convenience/%s" $file | quote }}}
      {{- end }}
{{- end }}
{{- if .root.Values.documents }}
- name: documents
  configMap:
    name: {{ .configMap }}
    items:
      {{- range $file, $text := .root.Values.documents }}
      - {key: {{ printf "documents.%s" $file | quote }}, path: {{ $file | quote }}}
      {{- end }}
{{- end }}
{{- with include "xos.secretName" .root }}
- name: credentials
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "xos.volumeMounts" -}}
- {name: config, mountPath: /etc/xos/config, readOnly: true}
{{- if .Values.models }}
- {name: models, mountPath: /etc/xos/models, readOnly: true}
{{- end }}
{{- if .Values.documents }}
- {name: documents, mountPath: /etc/xos/documents, readOnly: true}
{{- end }}
{{- if include "xos.secretName" . }}
- {name: credentials, mountPath: /etc/xos/credentials, readOnly: true}
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "xos.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

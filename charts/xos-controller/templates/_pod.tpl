{{/* What the controller, the Job before an uninstall, and the test have in common: files, and where they are. */}}
{{- define "xos.volumes" -}}
- name: config
  configMap:
    name: {{ .configMap }}
    items:
      - {key: config.yaml, path: config.yaml}
{{- if .root.Values.modelSets }}
- name: models
  configMap:
    name: {{ .configMap }}
    items:
      {{- include "xos.modelSets.items" .root | nindent 6 }}
{{- end }}
{{- if .root.Values.steps }}
- name: documents
  configMap:
    name: {{ .configMap }}
    items:
      {{- range $file, $text := .root.Values.steps }}
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
{{- if .Values.modelSets }}
- {name: models, mountPath: /etc/xos/models, readOnly: true}
{{- end }}
{{- if .Values.steps }}
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
